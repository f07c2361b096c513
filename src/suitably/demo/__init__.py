"""The main job: the whole idea, shown on the simulated bank or on a real one."""
