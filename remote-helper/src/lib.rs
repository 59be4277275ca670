//! Reads a host.
