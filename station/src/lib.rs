//! The personalisation station (个人化): from key components to a drawer of issued cards.
//!
//! `onecard_host::issuing` issues one card; here are what a room full of them needs: keys that people make together and no
//! one knows alone, and batches that survive anything. Files, clocks and generators come in from the program.
#![forbid(unsafe_code)]
