"""SonarQube Server, Community Build and Cloud."""
