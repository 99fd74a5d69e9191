//! Files for the scanner: program texts, what hides in them, and files of other types.

use super::{Seed, script};

pub(super) fn seeds() -> Vec<Seed> {
    let seed = |path: &str, content: &[u8]| script([(0, path.as_bytes()), (1, content)]);
    let rust = b"fn main() {\n    let url = \"https://example.org\";\n    println!(\"{url}\"); // \xc3\xa9\n}\n";
    let python = "import os\n# \u{202e}hidden\u{202c}\ndef \u{430}b(x):\n    return eval(x)\n";
    let config = b"[database]\nuser = \"app\"\npassword = \"${DB_PASSWORD}\"\ntoken = \"changeme-changeme-changeme\"\n";
    let json = b"{\"name\": \"x\", \"scripts\": {\"postinstall\": \"node a.js\"}, \"key\": \"0123456789abcdef0123456789abcdef\"}";
    let zip = b"PK\x03\x04\x14\x00\x00\x00\x08\x00aaaaaaaaaaaaaaaa\x05\x00\x00\x00a.txt";
    let elf = b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00";
    let utf16 = b"\xff\xfeh\x00i\x00\n\x00";
    vec![
        ("scan", "rust", seed("src/main.rs", rust)),
        ("scan", "python-unseen", seed("a/b.py", python.as_bytes())),
        ("scan", "config", seed(".env", config)),
        ("scan", "json", seed("package.json", json)),
        ("scan", "zip-as-text", seed("notes.txt", zip)),
        ("scan", "elf", seed("tool", elf)),
        ("scan", "utf-16", seed("README.md", utf16)),
        ("scan", "empty", seed("AGENTS.md", b"")),
    ]
}
