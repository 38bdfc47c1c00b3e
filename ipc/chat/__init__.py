"""What the two chats share, in the terminal and in the dashboard: the conversation, and how a message is answered."""
