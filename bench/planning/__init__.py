"""From names, options and suite files to a plan; torch-free."""
