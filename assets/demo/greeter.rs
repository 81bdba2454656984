//! A small HTTP server, and a visitor of it. One file, only the standard library: `rustc` builds it in a second.
//!
//! `greeter serve` answers on `$GREETER_PORT` of the local host; `greeter visit` asks it every two seconds.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Change it while the group runs: the greeter is built and started again.
const GREETING: &str = "hello";

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::var("GREETER_PORT").unwrap_or_else(|_| "41740".into()).parse()?;
    match env::args().nth(1).as_deref() {
        Some("serve") => serve(port),
        Some("visit") => visit(port),
        _ => Err("usage: greeter serve|visit".into()),
    }
}

fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("listening on http://127.0.0.1:{port}");
    for (number, stream) in listener.incoming().enumerate() {
        // A visitor that hangs up early is no reason to end.
        if let Err(error) = stream.and_then(|stream| answer(stream, number + 1)) {
            println!("\x1b[33mwarning\x1b[0m: {error}");
        }
    }
    Ok(())
}

fn answer(mut stream: TcpStream, number: usize) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = String::new();
    BufReader::new(&stream).take(8192).read_line(&mut request)?;
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    let body = format!("{GREETING}, visitor {number}\n");
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    println!("\x1b[36m{path}\x1b[0m 200 visitor {number}");
    Ok(())
}

fn visit(port: u16) -> Result<(), Box<dyn Error>> {
    loop {
        match ask(port) {
            Ok(answer) => println!("the greeter says: {answer}"),
            Err(error) => println!("\x1b[33mwarning\x1b[0m: the greeter does not answer: {error}"),
        }
        thread::sleep(Duration::from_secs(2));
    }
}

fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().last().unwrap_or_default().to_owned())
}
