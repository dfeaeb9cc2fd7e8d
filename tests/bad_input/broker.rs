//! A broker that does what no sound broker does: answers rubbish, or sends what nobody has asked for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::rig::eventually;

/// A broker by hand. Its threads end with the program under test, or with the test.
pub(crate) struct OddBroker {
    port: u16,
    talks_rubbish: Arc<AtomicBool>,
    client: Arc<Mutex<Option<TcpStream>>>,
}

impl OddBroker {
    pub(crate) fn start(talks_rubbish: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let talks_rubbish = Arc::new(AtomicBool::new(talks_rubbish));
        let client = Arc::new(Mutex::new(None));
        let (rubbish, current) = (Arc::clone(&talks_rubbish), Arc::clone(&client));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A connection that ends early is the other side's matter.
                drop(if rubbish.load(Ordering::Relaxed) { answer_rubbish(stream) } else { serve(stream, &current) });
            }
        });
        Self { port, talks_rubbish, client }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Is a broker from now on.
    pub(crate) fn come_to_its_senses(&self) {
        self.talks_rubbish.store(false, Ordering::Relaxed);
    }

    /// Sends a message to whoever is connected; waits until somebody is.
    pub(crate) fn publish(&self, topic: &str, payload: &[u8]) {
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        body.extend(payload);
        let mut packet = vec![0x30];
        let mut rest = body.len();
        while rest >= 128 {
            packet.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        packet.push(u8::try_from(rest).unwrap());
        packet.extend(body);
        eventually("somebody takes the message", || {
            let client = self.client.lock().unwrap().as_ref().map(|client| client.try_clone().unwrap());
            client?.write_all(&packet).ok()
        });
    }
}

fn answer_rubbish(mut stream: TcpStream) -> std::io::Result<()> {
    packet(&mut stream)?;
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
}

/// Welcomes the client, confirms its subscription, then answers its pings in a thread of its own.
#[expect(clippy::unwrap_in_result, reason = "an odd packet here is a mistake of the test")]
fn serve(mut stream: TcpStream, current: &Mutex<Option<TcpStream>>) -> std::io::Result<()> {
    packet(&mut stream)?;
    stream.write_all(&[0x20, 2, 0, 0])?;
    let (_, subscribe) = packet(&mut stream)?;
    let mut codes = Vec::new();
    let mut rest = &subscribe[2..];
    while let [high, low, ..] = *rest {
        codes.push(1);
        rest = &rest[2 + usize::from(u16::from_be_bytes([high, low])) + 1..];
    }
    let length = u8::try_from(2 + codes.len()).expect("a test has few beds");
    let mut ack = vec![0x90, length, subscribe[0], subscribe[1]];
    ack.extend(codes);
    stream.write_all(&ack)?;
    *current.lock().expect("nobody panics with it") = Some(stream.try_clone()?);
    std::thread::spawn(move || {
        while let Ok((kind, _)) = packet(&mut stream) {
            if kind == 0xc0 && stream.write_all(&[0xd0, 0]).is_err() {
                break;
            }
        }
    });
    Ok(())
}

fn packet(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 127) << shift;
        shift += 7;
        if byte[0] < 128 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}
