"""The partner portal: from the first question to a connected product. It reaches environments by HTTP alone."""
