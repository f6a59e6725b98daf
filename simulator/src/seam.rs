//! A stand-in for the applet's `Card`, to be removed as soon as that is there.
#![allow(missing_docs, unreachable_pub, unused, clippy::all, clippy::indexing_slicing)]
use onecard_applet::{
    nvm::{Memory, PowerLost},
    platform::Platform,
};
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    CpuCard,
    Sam,
}
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    PowerLost,
    NotFormatted,
}
#[derive(Debug)]
pub struct Card<P>(P);
#[derive(Debug)]
pub struct Dead<P> {
    pub platform: P,
    pub cause: Cause,
}
pub type Response = Vec<u8>;
pub const IMAGE_SIZE: usize = 48 * 1024;
pub fn manufacture<P: Platform>(platform: &mut P, kind: Kind) -> Result<(), PowerLost> {
    platform.program(0, &[kind as u8, 0, 0, 0])
}
impl<P: Platform> Card<P> {
    pub fn power_up(mut platform: P) -> Result<Self, Dead<P>> {
        let mut b = [0; 3];
        platform.read(1, &mut b);
        if b[1] != b[2] {
            if platform.program(1, &[b[0], b[1], b[1]]).is_err() {
                return Err(Dead { platform, cause: Cause::PowerLost });
            }
        }
        Ok(Self(platform))
    }
    pub fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        let mut b = [0; 4];
        self.0.read(0, &mut b);
        if command[0] == 1 {
            self.0.program(2, &[b[2] + 1])?;
            self.0.program(3, &[b[2] + 1])?;
        }
        answer.clear();
        answer.extend([b[2], 0x90, 0]);
        if command[0] == 2 {
            let mut r = [0; 8];
            self.0.random(&mut r);
            answer.clear();
            answer.extend(r);
            answer.extend([0x90, 0]);
        }
        Ok(())
    }
    pub fn platform(&self) -> &P {
        &self.0
    }
    pub fn platform_mut(&mut self) -> &mut P {
        &mut self.0
    }
    pub fn power_down(self) -> P {
        self.0
    }
}
