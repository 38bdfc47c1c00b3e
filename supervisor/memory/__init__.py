"""Memory, threads and heat: who holds what, who gets what, who gives way. Decisions are pure; `admission` acts."""
