//! A server that speaks SSH packet by packet, so that it can say what no library would: one exchange of keys
//! (curve25519-sha256, ssh-ed25519, aes256-gcm@openssh.com), and after it whatever it is told to say.

use std::collections::VecDeque;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

pub(super) const DISCONNECT: u8 = 1;
pub(super) const IGNORE: u8 = 2;
pub(super) const DEBUG: u8 = 4;
pub(super) const SERVICE_REQUEST: u8 = 5;
pub(super) const SERVICE_ACCEPT: u8 = 6;
pub(super) const EXT_INFO: u8 = 7;
pub(super) const KEXINIT: u8 = 20;
pub(super) const NEWKEYS: u8 = 21;
pub(super) const KEX_INIT: u8 = 30;
pub(super) const KEX_REPLY: u8 = 31;
pub(super) const USERAUTH_REQUEST: u8 = 50;
pub(super) const USERAUTH_FAILURE: u8 = 51;
pub(super) const USERAUTH_SUCCESS: u8 = 52;

pub(super) const GCM: &str = "aes256-gcm@openssh.com";
const TAG_BYTES: usize = 16;
/// Stands for what the client says under other keys than ours; no message has it.
pub(super) const UNREADABLE: u8 = 255;
/// The client sends none that is larger.
const PACKET_LIMIT_BYTES: usize = 1 << 20;

/// A message as it is written.
#[derive(Clone)]
pub(super) struct Say(pub(super) Vec<u8>);

impl Say {
    pub(super) fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub(super) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn text(self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let mut with = self.number(u32::try_from(text.len()).unwrap());
        with.0.extend_from_slice(text);
        with
    }

    /// A positive number of any length (RFC 4251, 5).
    pub(super) fn large(self, bytes: &[u8]) -> Self {
        let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let mut number = bytes[first..].to_vec();
        if number.first().is_some_and(|byte| byte & 0x80 != 0) {
            number.insert(0, 0);
        }
        self.text(number)
    }
}

/// A message as it is read.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    bytes: Vec<u8>,
    at: usize,
}

impl Heard {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 1 }
    }

    pub(super) fn kind(&self) -> u8 {
        self.bytes[0]
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    pub(super) fn number(&mut self) -> u32 {
        self.at += 4;
        u32::from_be_bytes(self.bytes[self.at - 4..self.at].try_into().unwrap())
    }

    pub(super) fn bytes(&mut self) -> Vec<u8> {
        let length = self.number() as usize;
        self.at += length;
        self.bytes[self.at - length..self.at].to_vec()
    }

    pub(super) fn text(&mut self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

/// How the server exchanges keys.
#[derive(Clone)]
pub(super) struct Manners {
    /// Knows strict key exchange.
    pub(super) strict: bool,
    pub(super) ciphers: &'static str,
    pub(super) compressions: &'static str,
    /// Said before the end of the first exchange, as one who sits between could.
    pub(super) put_in: Option<Say>,
    /// Its first message under the keys never arrives.
    pub(super) first_is_lost: bool,
    pub(super) host_key: [u8; 32],
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            strict: true,
            ciphers: GCM,
            compressions: "none",
            put_in: None,
            first_is_lost: false,
            host_key: [7; 32],
        }
    }
}

/// One direction under its key (RFC 5647).
struct Cipher {
    key: LessSafeKey,
    nonce: [u8; 12],
}

impl Cipher {
    fn nonce(&mut self) -> Nonce {
        let now = Nonce::assume_unique_for_key(self.nonce);
        let count = u64::from_be_bytes(self.nonce[4..].try_into().unwrap()).wrapping_add(1);
        self.nonce[4..].copy_from_slice(&count.to_be_bytes());
        now
    }
}

struct Keys {
    from_client: Cipher,
    to_client: Cipher,
}

/// A connection of a client, from the server's side.
pub(super) struct Raw {
    out: OwnedWriteHalf,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    /// The reader waits for these after each `NEWKEYS`.
    keys: mpsc::UnboundedSender<Cipher>,
    waiting: VecDeque<Vec<u8>>,
    to_client: Option<Cipher>,
    client_banner: String,
    session: Option<[u8; 32]>,
    pub(super) manners: Manners,
    /// Which ciphers the client names, in its order.
    pub(super) client_ciphers: String,
    pub(super) client_exchanges: String,
}

const BANNER: &str = "SSH-2.0-Raw";

impl Raw {
    /// Exchanges banners and keys. `None` if the client leaves.
    pub(super) async fn meet(stream: TcpStream, manners: Manners) -> Option<Self> {
        stream.set_nodelay(true).unwrap();
        let (mut reader, mut out) = stream.into_split();
        out.write_all(format!("{BANNER}\r\n").as_bytes()).await.ok()?;
        let mut banner = Vec::new();
        while !banner.ends_with(b"\r\n") {
            banner.push(reader.read_u8().await.ok()?);
        }
        let client_banner = String::from_utf8(banner).unwrap().trim_end().to_owned();
        let (said, heard) = mpsc::unbounded_channel();
        let (keys, new_keys) = mpsc::unbounded_channel();
        tokio::spawn(listen(reader, said, new_keys));
        let mut raw = Self {
            out,
            heard,
            keys,
            waiting: VecDeque::new(),
            to_client: None,
            client_banner,
            session: None,
            manners,
            client_ciphers: String::new(),
            client_exchanges: String::new(),
        };
        raw.exchange().await?;
        Some(raw)
    }

    /// The public half of the host key, as a line of OpenSSH has it.
    fn host_key_blob(pair: &Ed25519KeyPair) -> Vec<u8> {
        Say(Vec::new()).text("ssh-ed25519").text(pair.public_key().as_ref()).0
    }

    /// Changes keys, the first time or anew.
    pub(super) async fn exchange(&mut self) -> Option<()> {
        let strict = if self.manners.strict { ",kex-strict-s-v00@openssh.com" } else { "" };
        let mut ours = Say::new(KEXINIT);
        ours.0.extend_from_slice(&[9; 16]);
        let ours = ours
            .text(format!("curve25519-sha256{strict}"))
            .text("ssh-ed25519")
            .text(self.manners.ciphers)
            .text(self.manners.ciphers)
            .text("hmac-sha2-256-etm@openssh.com,hmac-sha2-256")
            .text("hmac-sha2-256-etm@openssh.com,hmac-sha2-256")
            .text(self.manners.compressions)
            .text(self.manners.compressions)
            .text("")
            .text("")
            .byte(0)
            .number(0);
        self.say(&ours).await?;
        let theirs = self.hear_kind(KEXINIT).await?;
        let mut list = theirs.clone();
        list.at += 16;
        (self.client_exchanges, _, self.client_ciphers) = (list.text(), list.text(), list.text());
        let point = self.hear_kind(KEX_INIT).await?.bytes();
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&X25519, &random).unwrap();
        let public = private.compute_public_key().unwrap();
        let shared =
            agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, &point), <[u8]>::to_vec).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.manners.host_key).unwrap();
        let key = Self::host_key_blob(&pair);
        let hashed = Say(Vec::new())
            .text(&self.client_banner)
            .text(BANNER)
            .text(&theirs.bytes)
            .text(&ours.0)
            .text(&key)
            .text(&point)
            .text(public.as_ref())
            .large(&shared);
        let hash: [u8; 32] = digest(&SHA256, &hashed.0).as_ref().try_into().unwrap();
        let signature = Say(Vec::new()).text("ssh-ed25519").text(pair.sign(&hash).as_ref()).0;
        self.say(&Say::new(KEX_REPLY).text(&key).text(public.as_ref()).text(signature)).await?;
        let is_first = self.session.is_none();
        if let Some(put_in) = self.manners.put_in.clone().filter(|_| is_first) {
            self.say(&put_in).await?;
        }
        self.say(&Say::new(NEWKEYS)).await?;
        let session = *self.session.get_or_insert(hash);
        let keys = derive(&shared, &hash, &session);
        self.to_client = Some(keys.to_client);
        self.hear_kind(NEWKEYS).await?;
        self.keys.send(keys.from_client).ok()
    }

    pub(super) async fn say(&mut self, say: &Say) -> Option<()> {
        let sealed = self.sealed(&say.0);
        if self.session.is_some() && std::mem::take(&mut self.manners.first_is_lost) {
            return Some(());
        }
        self.say_bytes(&sealed).await
    }

    /// The packet of a message, as it goes over the wire.
    pub(super) fn sealed(&mut self, payload: &[u8]) -> Vec<u8> {
        let block = if self.to_client.is_some() { 16 } else { 8 };
        // Under GCM the length stands outside of the blocks.
        let whole = payload.len() + if self.to_client.is_some() { 1 } else { 5 };
        let padding = block - whole % block + if block - whole % block < 4 { block } else { 0 };
        let length = u32::try_from(1 + payload.len() + padding).unwrap().to_be_bytes();
        let mut body = vec![u8::try_from(padding).unwrap()];
        body.extend_from_slice(payload);
        body.resize(body.len() + padding, 0);
        let mut packet = length.to_vec();
        if let Some(cipher) = &mut self.to_client {
            let nonce = cipher.nonce();
            let tag = cipher.key.seal_in_place_separate_tag(nonce, Aad::from(length), &mut body).unwrap();
            body.extend_from_slice(tag.as_ref());
        }
        packet.extend_from_slice(&body);
        packet
    }

    pub(super) async fn say_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.write_all(bytes).await.ok()
    }

    /// The next message. `None` if the client left.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        let next = match self.waiting.pop_front() {
            Some(next) => next,
            None => self.heard.recv().await?,
        };
        Some(Heard::new(next))
    }

    /// Waits for a message of this kind; others wait their turn.
    async fn hear_kind(&mut self, kind: u8) -> Option<Heard> {
        loop {
            let next = self.heard.recv().await?;
            if next.first() == Some(&kind) {
                return Some(Heard::new(next));
            }
            self.waiting.push_back(next);
        }
    }

    /// Lets in whoever asks with a password. True once it was asked for.
    pub(super) async fn let_in(&mut self) -> Option<()> {
        loop {
            let mut heard = self.hear().await?;
            match heard.kind() {
                SERVICE_REQUEST => self.say(&Say::new(SERVICE_ACCEPT).text("ssh-userauth")).await?,
                USERAUTH_REQUEST => {
                    let (_user, _service, method) = (heard.text(), heard.text(), heard.text());
                    if method == "password" {
                        return self.say(&Say::new(USERAUTH_SUCCESS)).await;
                    }
                    self.say(&Say::new(USERAUTH_FAILURE).text("password").byte(0)).await?;
                }
                _ => {}
            }
        }
    }
}

/// Takes all that the client says, so that it never waits for us.
async fn listen(
    mut reader: OwnedReadHalf,
    said: mpsc::UnboundedSender<Vec<u8>>,
    mut new_keys: mpsc::UnboundedReceiver<Cipher>,
) -> Option<()> {
    let mut cipher: Option<Cipher> = None;
    loop {
        let mut length = [0; 4];
        reader.read_exact(&mut length).await.ok()?;
        let bytes = u32::from_be_bytes(length) as usize;
        if bytes > PACKET_LIMIT_BYTES {
            return said.send(vec![UNREADABLE]).ok();
        }
        let mut body = vec![0; bytes + cipher.as_ref().map_or(0, |_| TAG_BYTES)];
        reader.read_exact(&mut body).await.ok()?;
        if let Some(cipher) = &mut cipher {
            let nonce = cipher.nonce();
            if cipher.key.open_in_place(nonce, Aad::from(length), &mut body).is_err() {
                return said.send(vec![UNREADABLE]).ok();
            }
        }
        let payload = body[1..bytes - usize::from(body[0])].to_vec();
        let changes = payload.first() == Some(&NEWKEYS);
        said.send(payload).ok()?;
        if changes {
            cipher = Some(new_keys.recv().await?);
        }
    }
}

fn derive(shared: &[u8], hash: &[u8; 32], session: &[u8; 32]) -> Keys {
    let one = |letter: u8| {
        let mut from = Say(Vec::new()).large(shared).0;
        from.extend_from_slice(hash);
        from.push(letter);
        from.extend_from_slice(session);
        digest(&SHA256, &from).as_ref().to_vec()
    };
    let cipher = |nonce: u8, key: u8| Cipher {
        key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &one(key)).unwrap()),
        nonce: one(nonce)[..12].try_into().unwrap(),
    };
    Keys { from_client: cipher(b'A', b'C'), to_client: cipher(b'B', b'D') }
}
