//! Fixed fields one after the other, read and written without a possible panic.

/// Takes fields off the front of a byte string.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `N` bytes, or `None` (and nothing taken) if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    /// The next `length` bytes, or `None` if there are fewer.
    pub fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, big-endian.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Everything not yet taken.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// `value` if every byte was taken: a layout has no trailing bytes.
    #[must_use]
    pub fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Builds exactly `N` bytes, field by field. Bytes beyond `N` are dropped and unwritten ones are zero; each layout's
/// round-trip test shows that neither happens.
#[derive(Clone, Debug)]
pub struct Writer<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Writer<N> {
    /// An empty layout.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], used: 0 }
    }

    /// Appends one field.
    #[must_use]
    pub fn put(mut self, field: &[u8]) -> Self {
        let room = self.bytes.get_mut(self.used..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(field) {
            *to = *from;
        }
        self.used += field.len();
        self
    }

    /// Appends one byte.
    #[must_use]
    pub fn u8(self, field: u8) -> Self {
        self.put(&[field])
    }

    /// Appends two bytes, big-endian.
    #[must_use]
    pub fn u16(self, field: u16) -> Self {
        self.put(&field.to_be_bytes())
    }

    /// Appends four bytes, big-endian.
    #[must_use]
    pub fn u32(self, field: u32) -> Self {
        self.put(&field.to_be_bytes())
    }

    /// The finished layout.
    #[must_use]
    pub const fn finish(self) -> [u8; N] {
        self.bytes
    }
}

impl<const N: usize> Default for Writer<N> {
    fn default() -> Self {
        Self::new()
    }
}
