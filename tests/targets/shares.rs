// Known shares of CPU time: a generic method 50, a closure 30, a trait object 20 %.
extern "C" {
    /// CPU time of the process in microseconds.
    fn clock() -> i64;
}

macro_rules! spin {
    ($x:expr, $turns:expr, $seed:expr) => {{
        let mut x: u64 = $x | $seed;
        for _ in 0..$turns {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        x
    }};
}

struct Holder<T> {
    value: T,
}

impl<T: Into<u64> + Copy> Holder<T> {
    #[inline(never)]
    fn alpha(&self, x: u64) -> u64 {
        spin!(x, 10000, self.value.into())
    }
}

trait Work {
    fn gamma(&self, x: u64) -> u64;
}

struct Unit;

impl Work for Unit {
    #[inline(never)]
    fn gamma(&self, x: u64) -> u64 {
        spin!(x, 4000, 5)
    }
}

#[inline(never)]
fn call<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 {
    f(x) | 1
}

#[inline(never)]
fn rounds(seconds: f64, work: &dyn Work) -> u64 {
    let end = (seconds * 1e6) as i64;
    let holder = Holder { value: 3u32 };
    let mut x: u64 = 7;
    while unsafe { clock() } < end {
        for _ in 0..20 {
            x = x.wrapping_add(holder.alpha(x));
            x = x.wrapping_add(call(|x| spin!(x, 6000, 9), x));
            x = x.wrapping_add(work.gamma(x));
        }
    }
    x
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let thread = std::thread::spawn(move || rounds(seconds, &Unit));
    println!("{}", rounds(seconds, &Unit) ^ thread.join().unwrap());
}
