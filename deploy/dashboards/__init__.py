"""Dashboards for Kibana: described once, written for old and new versions, checked, and imported."""
