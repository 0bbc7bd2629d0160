"""The Graph API face: requests, rules, nodes, edges and insights."""
