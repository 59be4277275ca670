//! The picture of a key's fingerprint that OpenSSH draws: a shape is compared faster than 43 letters.

use super::HostKey;

const WIDE: usize = 17;
const HIGH: usize = 9;
/// From a field that was never visited to one that often was; then the start and the end.
const MARKS: &[u8] = b" .o+=*BOX@%&#/^SE";

/// The lines of `ssh-keygen -lv` for this key; empty where its parts cannot be read.
pub fn art(key: &HostKey) -> Vec<String> {
    draw(key).unwrap_or_default()
}

fn draw(key: &HostKey) -> Option<Vec<String>> {
    let hash = decode(key.fingerprint.strip_prefix("SHA256:")?)?;
    let blob = decode(key.openssh.split(' ').nth(1)?)?;
    let (name, bits) = name_and_bits(&key.algorithm, &blob)?;
    let end = u8::try_from(MARKS.len()).ok()? - 1;
    let mut field = [[0_u8; WIDE]; HIGH];
    let (mut x, mut y) = (WIDE / 2, HIGH / 2);
    for byte in hash {
        for pair in 0..4 {
            let step = byte >> (2 * pair);
            x = if step & 1 == 1 { (x + 1).min(WIDE - 1) } else { x.saturating_sub(1) };
            y = if step & 2 == 2 { (y + 1).min(HIGH - 1) } else { y.saturating_sub(1) };
            field[y][x] = (field[y][x] + 1).min(end - 2);
        }
    }
    field[HIGH / 2][WIDE / 2] = end - 1;
    field[y][x] = end;
    let mut lines = vec![border(&format!("[{name} {bits}]"))];
    for row in field {
        let marks: String = row.iter().map(|visits| char::from(MARKS[usize::from(*visits)])).collect();
        lines.push(format!("|{marks}|"));
    }
    lines.push(border("[SHA256]"));
    Some(lines)
}

fn border(title: &str) -> String {
    let title = if title.len() > WIDE { "" } else { title };
    let left = (WIDE - title.len()) / 2;
    format!("+{}{title}{}+", "-".repeat(left), "-".repeat(WIDE - left - title.len()))
}

fn name_and_bits(algorithm: &str, blob: &[u8]) -> Option<(&'static str, usize)> {
    Some(match algorithm {
        "ssh-ed25519" => ("ED25519", 256),
        "ecdsa-sha2-nistp256" => ("ECDSA", 256),
        "ecdsa-sha2-nistp384" => ("ECDSA", 384),
        "ecdsa-sha2-nistp521" => ("ECDSA", 521),
        // The modulus is the third string (RFC 4253, 6.6), with a leading zero byte if its first bit is set.
        "ssh-rsa" => {
            let modulus = strings(blob).nth(2)?;
            let modulus: &[u8] = &modulus[modulus.iter().position(|byte| *byte != 0)?..];
            ("RSA", modulus.len() * 8 - modulus[0].leading_zeros() as usize)
        }
        _ => return None,
    })
}

/// The strings of RFC 4251 that follow each other in `blob`.
fn strings(mut blob: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let string = rest.get(..length)?;
        blob = &rest[length..];
        Some(string)
    })
}

/// Base64, with or without its padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_the_one_of_openssh() {
        // From ssh-keygen -lv.
        let key = HostKey {
            algorithm: "ssh-ed25519".into(),
            fingerprint: "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE".into(),
            openssh: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
                .into(),
        };
        let drawn = [
            "+--[ED25519 256]--+",
            "|....o.o . .o..   |",
            "|.. . + . .E.o    |",
            "| .  o     .=.    |",
            "|  .      ..o+    |",
            "| .      S =+.    |",
            "|  .      oo+o.   |",
            "| .        o+o+.  |",
            "|  . .o   . =Oo+  |",
            "|   . o*oo+*=.=.  |",
            "+----[SHA256]-----+",
        ];
        assert_eq!(art(&key), drawn);
    }

    #[test]
    fn what_is_no_key_has_no_picture() {
        for (algorithm, fingerprint, openssh) in [
            ("ssh-ed25519", "", ""),
            ("ssh-ed25519", "SHA256:??", "ssh-ed25519 AAAA"),
            ("ssh-rsa", "SHA256:AAAA", "ssh-rsa AAAAB3NzaC1yc2E"),
            ("ssh-rsa", "SHA256:AAAA", "ssh-rsa /////w"),
            ("ssh-unheard-of", "SHA256:AAAA", "ssh-unheard-of AAAA"),
        ] {
            let (algorithm, fingerprint, openssh) = (algorithm.into(), fingerprint.into(), openssh.into());
            assert!(art(&HostKey { algorithm, fingerprint, openssh }).is_empty());
        }
    }
}
