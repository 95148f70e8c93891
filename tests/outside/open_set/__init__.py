"""The open set of faults: the port doctor was improved with it."""
