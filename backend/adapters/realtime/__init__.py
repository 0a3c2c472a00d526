"""Live events: Socket.IO over Redis, or memory."""
