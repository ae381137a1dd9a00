//! nginx as Debian ships it, serving a folder on loopback as a process of the test.
//! It gets the few lines of configuration that the guide would give, and nothing made for us.
//! Not here: what is asked of it.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx; it ends with this value.
pub struct Nginx {
    pub url: String,
    child: Child,
    _prefix: tempfile::TempDir,
}

impl Nginx {
    /// Serves a folder; fails if there is no nginx.
    pub fn serve(folder: &Path) -> io::Result<Nginx> {
        let prefix = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (place, root) = (prefix.path().display(), folder.display());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {place}/{name};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log;\nevents {{}}\n\
             http {{\n{temporary}access_log off;\nserver {{\nlisten 127.0.0.1:{port};\nroot {root};\nautoindex on;\n}}\n}}\n"
        );
        std::fs::write(prefix.path().join("nginx.conf"), configuration)?;
        let mut command = Command::new("nginx");
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command.arg("-p").arg(prefix.path()).arg("-c").arg(prefix.path().join("nginx.conf"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let nginx = Nginx { url: format!("http://127.0.0.1:{port}"), child, _prefix: prefix };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
