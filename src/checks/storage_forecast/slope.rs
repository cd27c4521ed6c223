//! The slope of a line through points, by Theil and Sen: the median over all pairs, with Sen's interval for it (Sen 1968, from
//! the variance of Kendall's tau). A quarter of the points may be anything without bending it.

/// Units of y per unit of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    pub median: f64,
    /// The 90 % interval.
    pub low: f64,
    pub high: f64,
}

/// Fewer make no line.
const LEAST: usize = 8;
/// Of the normal distribution, for 90 % on both sides.
const Z: f64 = 1.645;

impl Slope {
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < LEAST {
            return None;
        }
        let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
        for (n, one) in points.iter().enumerate() {
            for other in &points[n + 1..] {
                slopes.push((other.1 - one.1) / (other.0 - one.0));
            }
        }
        slopes.retain(|slope| slope.is_finite());
        slopes.sort_by(f64::total_cmp);
        let (last, count) = (slopes.len().checked_sub(1)?, points.len() as f64);
        let spread = Z * (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
        let at = |rank: f64| slopes[(rank.max(0.0) as usize).min(last)];
        let middle = slopes.len() as f64;
        let median = f64::midpoint(slopes[last / 2], slopes[slopes.len() / 2]);
        Some(Self { median, low: at((middle - spread) / 2.0), high: at((middle + spread) / 2.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize, y: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..n).map(|x| (x as f64, y(x as f64))).collect()
    }

    #[test]
    fn a_straight_line_is_found_exactly() {
        let slope = Slope::of(&line(20, |x| 3.0 * x + 7.0)).unwrap();
        assert!((slope.median - 3.0).abs() < 1e-9 && (slope.high - slope.low).abs() < 1e-9, "{slope:?}");
    }

    #[test]
    fn a_few_outliers_do_not_bend_it() {
        let slope = Slope::of(&line(40, |x| if x as usize % 7 == 3 { 1e6 } else { 2.0 * x })).unwrap();
        assert!((slope.median - 2.0).abs() < 0.5, "{slope:?}");
    }

    #[test]
    fn noise_without_a_trend_has_an_interval_on_both_sides_of_nothing() {
        let noise = |x: f64| (x * 12.9898).sin() * 43_758.545 % 1.0;
        let slope = Slope::of(&line(96, noise)).unwrap();
        assert!(slope.low < 0.0 && slope.high > 0.0, "{slope:?}");
    }

    #[test]
    fn too_few_points_and_points_of_one_instant_make_no_line() {
        assert_eq!(Slope::of(&line(7, |x| x)), None);
        assert_eq!(Slope::of(&[(1.0, 2.0); 12]), None);
    }
}
