"""`tocsin dashboards`: dashboards for Kibana, checked, previewed, written to a file or imported."""
