"""Services on the network: how they are asked."""
