//! A door between a client and a server that can be shut and opened again; shutting it cuts what goes through.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The door; it is gone when dropped.
#[derive(Debug)]
pub struct Gate {
    pub url: String,
    open: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Gate {
    /// In front of `url`, which is `http://HOST:PORT`; open.
    pub async fn before(url: &str) -> Gate {
        let behind = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (open, state) = watch::channel(true);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, behind.clone(), state.clone()));
            }
        });
        Gate { url, open, serving }
    }

    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(mut stream: TcpStream, behind: String, mut state: watch::Receiver<bool>) {
    if !*state.borrow() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(behind).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut server) => {}
        _ = state.wait_for(|open| !open) => {}
    }
}
