//! Cells that take turns against wear: the one with the greatest generation is the current one.
//!
//! Each cell begins with its generation, 4 bytes, 0 = never written. A cell is only ever written inside a transaction, so
//! it needs no checksum of its own.

use super::{Journal, Memory};

/// Length of the generation at the head of a cell.
pub(crate) const GENERATION_LEN: usize = 4;

/// Where a ring lies.
#[derive(Clone, Copy)]
pub(crate) struct Ring {
    pub(crate) address: usize,
    /// Length of a cell, its generation included.
    pub(crate) cell_len: usize,
    pub(crate) cells: usize,
}

/// One cell of a ring.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) generation: u32,
    index: usize,
}

impl Ring {
    /// The current cell, or `None` if none was ever written.
    pub(crate) fn newest<M: Memory>(&self, nvm: &Journal<M>) -> Option<Cell> {
        let mut newest = Cell { generation: 0, index: 0 };
        for index in 0..self.cells {
            let generation = u32::from_be_bytes(nvm.array(self.address + index * self.cell_len));
            if generation > newest.generation {
                newest = Cell { generation, index };
            }
        }
        (newest.generation != 0).then_some(newest)
    }

    /// The cell written `back` turns before `cell`, if it has not been overwritten.
    pub(crate) fn before(&self, cell: Cell, back: usize) -> Option<Cell> {
        let generation = cell.generation.checked_sub(back as u32).filter(|generation| *generation != 0)?;
        let index = (cell.index + self.cells).checked_sub(back).filter(|_| back < self.cells)? % self.cells;
        Some(Cell { generation, index })
    }

    /// The cell to write after `newest`.
    pub(crate) fn next(&self, newest: Option<Cell>) -> Cell {
        newest.map_or(Cell { generation: 1, index: 0 }, |cell| Cell {
            generation: cell.generation.saturating_add(1),
            index: (cell.index + 1) % self.cells,
        })
    }

    /// Where the cell's content lies, behind its generation.
    pub(crate) const fn content(&self, cell: Cell) -> usize {
        self.address(cell) + GENERATION_LEN
    }

    /// Where the cell lies.
    pub(crate) const fn address(&self, cell: Cell) -> usize {
        self.address + cell.index * self.cell_len
    }
}
