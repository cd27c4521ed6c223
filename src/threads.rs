//! One thread turns the daemon's wheel; what takes long steps aside.

use std::io;

use tokio::{
    runtime::{Builder, Handle, Runtime, RuntimeFlavor},
    task::block_in_place,
};

/// So many bytes to read, or entities to judge, hold nobody else up.
pub const LONG_TEXT: usize = 256 * 1024;
pub const MANY: usize = 2000;

/// Threads for a daemon. A second one for short work costs more in waking each other than it does.
pub fn of_a_daemon() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// Threads for a command that somebody waits for.
pub fn of_a_command() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// Does `work`. If it is long, another thread goes on with what waits meanwhile.
pub fn aside<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    let others = Handle::try_current().map(|handle| handle.runtime_flavor());
    match others {
        Ok(RuntimeFlavor::MultiThread) if is_long => block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// The long work waits for what the other task says: on one thread that did not step aside, neither would ever end.
    #[test]
    fn what_waits_goes_on_beside_long_work() {
        let heard = of_a_daemon().unwrap().block_on(async {
            let (to, from) = mpsc::channel();
            let long = tokio::spawn(async move {
                let other = tokio::spawn(async move { to.send("meanwhile") });
                let heard = aside(true, || from.recv_timeout(std::time::Duration::from_secs(60)));
                other.await.unwrap().unwrap();
                heard
            });
            long.await.unwrap()
        });
        assert_eq!(heard, Ok("meanwhile"));
    }

    #[tokio::test]
    async fn where_there_is_no_other_thread_it_is_simply_done() {
        assert_eq!(aside(true, || 1), 1);
        assert_eq!(aside(false, || 2), 2);
    }
}
