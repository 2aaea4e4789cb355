"""`breakerd config`: the configurations of a running service."""
