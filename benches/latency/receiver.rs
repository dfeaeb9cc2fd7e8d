//! A dispatch receiver that does nothing but look at the clock: it says when a body was complete, and answers at once.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use nattvakt::clock;
use nattvakt::model::Moment;

use crate::Result;

/// One alert as it came.
pub(crate) struct Arrival {
    /// When its last byte was read.
    pub(crate) at: Moment,
    /// What it said.
    pub(crate) body: Vec<u8>,
}

/// Listens on loopback until the end of the process.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) arrivals: mpsc::Receiver<Arrival>,
}

impl Receiver {
    /// Starts to listen on a free port, with a thread a connection.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}/alerts", listener.local_addr()?);
        let (sender, arrivals) = mpsc::channel();
        thread::Builder::new().name("receiver".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                // A connection that breaks is the client's to notice.
                thread::spawn(move || serve(stream, &sender));
            }
        })?;
        Ok(Self { url, arrivals })
    }
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n{\"outcome\":\"accepted\"}";

fn serve(mut stream: TcpStream, sender: &mpsc::Sender<Arrival>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(4_096);
    let mut buffer = [0; 4_096];
    loop {
        let length = stream.read(&mut buffer)?;
        let at = clock::moment();
        if length == 0 {
            return Ok(());
        }
        request.extend(buffer.iter().take(length));
        if let Some(body) = take_body(&mut request) {
            stream.write_all(ANSWER)?;
            if sender.send(Arrival { at, body }).is_err() {
                return Ok(());
            }
        }
    }
}

/// Takes the body of a request that is complete. Clients here wait for each answer, so nothing comes after it.
fn take_body(request: &mut Vec<u8>) -> Option<Vec<u8>> {
    let head_length = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(request.get(..head_length)?).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or("0", str::trim);
    if request.len() < head_length + length.parse::<usize>().ok()? {
        return None;
    }
    let body = request.split_off(head_length);
    request.clear();
    Some(body)
}
