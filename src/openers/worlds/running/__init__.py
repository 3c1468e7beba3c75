"""Running worlds: clock, ids, registry, copies, snapshots, sessions, PAS."""
