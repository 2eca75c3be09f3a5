"""Tools: what agents may call, with which input, who uses them and how often they fail."""
