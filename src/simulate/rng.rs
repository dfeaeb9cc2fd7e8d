//! The simulator's random numbers: small, seeded, the same on every machine.
//!
//! xoshiro256++ 1.0, filled from `SplitMix64`, after Blackman and Vigna, "Scrambled linear pseudorandom number
//! generators" (2021), <https://prng.di.unimi.it/>. Thirty lines of our own instead of a crate, because a seed written
//! down with a night must give the same night for years, and crates change their streams between versions. Never for
//! ids, keys or retries: whoever knows the seed knows all that comes.

/// A seeded stream of random numbers.
#[derive(Debug, Clone)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// Starts the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut at = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut at)) }
    }

    /// Starts a stream that has nothing to do with the others of the same seed.
    ///
    /// Each part of a night draws from its own, so that another fault does not make another resident.
    #[must_use]
    pub fn stream(seed: u64, part: &str) -> Self {
        // FNV-1a, 64 bits.
        let name = part
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
        Self::new(seed ^ name)
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Draws evenly from 0 (may be) to 1 (never).
    pub fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let mantissa = (self.bits() >> 11) as f64;
        mantissa / 9_007_199_254_740_992.0
    }

    /// Draws evenly between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Tells yes with this probability, 0 to 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Draws from the normal distribution around 0 with deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Draws the wait until something that happens without memory, this long apart on average.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// Draws from measured quantiles, `(probability, value)` in rising order, straight lines between them.
    ///
    /// Outside the first and the last probability their values hold.
    pub fn quantile(&mut self, table: &[(f64, f64)]) -> f64 {
        let drawn = self.uniform();
        let mut below = table.first().copied().unwrap_or_default();
        for &(probability, value) in table {
            if drawn < probability {
                let span = probability - below.0;
                let part = if span > 0.0 { (drawn - below.0) / span } else { 0.0 };
                return below.1 + part * (value - below.1);
            }
            below = (probability, value);
        }
        below.1
    }

    /// Picks one of several, each with its weight. `None` where there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[(f64, T)]) -> Option<T> {
        let total: f64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = total * self.uniform();
        for &(weight, choice) in choices {
            if left < weight {
                return Some(choice);
            }
            left -= weight;
        }
        choices.last().map(|(_, choice)| *choice)
    }
}

/// `SplitMix64` of Steele, Lea and Flood: makes a good state from any seed, also from 0.
fn split_mix(at: &mut u64) -> u64 {
    *at = at.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*at ^ (*at >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_stream() {
        // SplitMix64 from 1234567: the values that its reference implementation prints.
        let mut at = 1_234_567;
        let drawn: Vec<u64> = (0..3).map(|_| split_mix(&mut at)).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        // xoshiro256++ from the state 1, 2, 3, 4: likewise.
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..4).map(|_| rng.bits()).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn draws_have_the_mean_and_spread_they_promise() {
        let mut rng = Rng::new(7);
        let mean = |draw: &mut dyn FnMut() -> f64| (0..20_000).map(|_| draw()).sum::<f64>() / 20_000.0;
        assert!((mean(&mut || rng.between(2.0, 4.0)) - 3.0).abs() < 0.02);
        assert!(mean(&mut || rng.normal()).abs() < 0.03);
        assert!((mean(&mut || rng.normal().powi(2)) - 1.0).abs() < 0.05);
        assert!((mean(&mut || rng.wait(5.0)) - 5.0).abs() < 0.15);
        assert!((mean(&mut || f64::from(u8::from(rng.chance(0.2)))) - 0.2).abs() < 0.01);
    }

    #[test]
    fn quantiles_are_met_and_never_left() {
        let table = [(0.05, 1.8), (0.5, 11.0), (0.95, 104.0)];
        let mut rng = Rng::new(8);
        let drawn: Vec<f64> = (0..10_000).map(|_| rng.quantile(&table)).collect();
        assert!(drawn.iter().all(|value| (1.8..=104.0).contains(value)));
        let below = drawn.iter().filter(|value| **value < 11.0).count();
        assert!((4_800..5_200).contains(&below), "{below} of 10,000 under the median");
    }

    #[test]
    fn streams_of_one_seed_differ_and_picks_follow_their_weights() {
        assert_ne!(Rng::stream(1, "resident").bits(), Rng::stream(1, "mat").bits());
        let mut rng = Rng::new(9);
        let picked = (0..1_000).filter(|_| rng.pick(&[(3.0, 'a'), (1.0, 'b')]) == Some('a')).count();
        assert!((700..800).contains(&picked), "{picked}");
        assert_eq!(rng.pick::<char>(&[]), None);
    }
}
