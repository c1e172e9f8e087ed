//! QEMU's monitor, over its machine protocol (QMP) on a Unix socket.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection to the monitor of a running machine.
pub struct Monitor {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Monitor {
    /// Connects and leaves the negotiation mode.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("connecting to {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let writer = stream.try_clone()?;
        let mut monitor = Self {
            reader: BufReader::new(stream),
            writer,
        };
        monitor.read()?; // the greeting
        monitor.execute("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// Runs one command of QMP and returns what it answers.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let request = json!({"execute": command, "arguments": arguments});
        writeln!(self.writer, "{request}")?;
        loop {
            let mut answer = self.read()?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                bail!("the monitor refuses '{command}': {error}");
            }
            // Anything else is an event which nobody waits for.
        }
    }

    /// Runs one command as a person would type it, such as `nmi`.
    pub fn command(&mut self, line: &str) -> Result<()> {
        match self.ask(line)?.trim() {
            "" => Ok(()),
            complaint => bail!("the monitor answers '{line}' with: {complaint}"),
        }
    }

    /// What such a command prints.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        let arguments = json!({"command-line": line});
        let answer = self.execute("human-monitor-command", &arguments)?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("the monitor hung up");
        }
        Ok(serde_json::from_str(&line)?)
    }
}
