"""What Prometheus needs: where Tocsin's metrics are, and the rules for what Tocsin cannot tell itself."""
