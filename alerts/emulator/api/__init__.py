"""Emulated HTTP APIs of OpsGenie and Jira Service Management."""
