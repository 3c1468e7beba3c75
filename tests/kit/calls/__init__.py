"""Each call of each operation: the expected response, the expected rejections, and ways to make it invalid."""
