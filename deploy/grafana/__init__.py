"""The dashboard for operators: made of the list of metrics, kept beside as the JSON that Grafana takes."""
