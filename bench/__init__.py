"""pocketbench's core: the words, the plan, the measuring and the judging."""
