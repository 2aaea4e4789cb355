"""Preview of alerts: what each receiver would get, without sending anything."""
