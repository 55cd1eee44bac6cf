"""The only room with torch: zoo, sources, export, quantization."""
