"""The emulated HTTP interfaces of OpsGenie and Jira Service Management."""
