"""Tables that people bring, read by calamine and the standard library, with limits before anything is unpacked."""
