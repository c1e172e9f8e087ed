//! A web server of one test, on this machine: it says what the test wants, byte by byte, and counts what it is asked.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What it does with a request for a path.
pub(in crate::debug_files) enum Reply {
    /// Sends this, as it is.
    Raw(Vec<u8>),
    /// Sends this and then nothing, until the test is over.
    Hang(Vec<u8>),
}

type Answers = dyn Fn(&str) -> Reply + Send + Sync;

/// A running server; it ends with the test.
pub(in crate::debug_files) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The answer that holds a file.
pub(in crate::debug_files) fn ok(body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    Reply::Raw([head.as_bytes(), body].concat())
}

/// An answer without a file.
pub(in crate::debug_files) fn status(line: &str, headers: &str) -> Reply {
    let text =
        format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    Reply::Raw(text.into_bytes())
}

/// The answer that there is none.
pub(in crate::debug_files) fn absent() -> Reply {
    status("404 Not Found", "")
}

impl Server {
    /// Starts one.
    pub(in crate::debug_files) fn new(
        answers: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let answers: Arc<Answers> = Arc::new(answers);
        let (noted, ends) = (Arc::clone(&asked), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            // Those that hang are held until the end.
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let request = read_head(&mut stream);
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                noted.lock().unwrap().push(request);
                // A client that has enough may go; that is its right.
                match answers(&path) {
                    Reply::Raw(bytes) => drop(stream.write_all(&bytes)),
                    Reply::Hang(bytes) => {
                        drop(stream.write_all(&bytes));
                        held.push(stream);
                    }
                }
            }
        });
        Server {
            address,
            asked,
            over,
            thread: Some(thread),
        }
    }

    /// Its address, as `DEBUGINFOD_URLS` names it.
    pub(in crate::debug_files) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, with their headers.
    pub(in crate::debug_files) fn requests(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The paths that were asked for so far.
    pub(in crate::debug_files) fn asked(&self) -> Vec<String> {
        let requests = self.requests();
        let paths = requests.iter().map(|head| head.split(' ').nth(1));
        paths.map(|path| path.unwrap().to_owned()).collect()
    }
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // It waits for somebody to come.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
