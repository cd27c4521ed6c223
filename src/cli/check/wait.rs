//! `check --wait`: a deploy gate. It looks until all is clear, or until a breach has outlived its `for`.

use std::time::{Duration, Instant};

use super::{look::Looks, report::Report};
use crate::cli::{args, out::Out, stop::Stop};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// The last report. Whatever is still pending when the patience ends is taken as lasting: it never became clear.
pub async fn until_settled(
    looks: &mut Looks,
    args: &args::Check,
    patience: Duration,
) -> Result<Report, Stop> {
    let end = Instant::now() + patience;
    let mut said = String::new();
    loop {
        let report = looks.look(args.fail_on).await?;
        if report.is_settled() || matches!(report.exit_code, 1 | 2) {
            return Ok(report);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return looks.look_at_once(args.fail_on).await;
        }
        let words = report.waits_for();
        if words != said {
            Out::note(&format!("waiting: {words}\n"));
            said = words;
        }
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}
