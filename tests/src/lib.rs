//! World, auditor and strategies: what a test of cards and terminals needs, for this project and for vendors.
#![forbid(unsafe_code)]
