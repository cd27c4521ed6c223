//! One call over gRPC, for what a service's own tool does not know.

/// A message: each field by its number.
pub type Message<'a> = &'a [(u64, Field<'a>)];

pub enum Field<'a> {
    Number(i64),
    Text(&'a str),
    Message(Message<'a>),
}

/// `method` with its service: `gateway_protocol.Gateway/Topology`. A refusal comes as headers alone.
pub async fn call(address: &str, method: &str, message: Message<'_>) -> Result<(), String> {
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    let message = encode(message);
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).expect("a small message").to_be_bytes());
    body.extend(message);
    let request = client.post(format!("http://{address}/{method}")).header("te", "trailers");
    let request = request.header("content-type", "application/grpc").body(body);
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(status) = header("grpc-status").filter(|status| *status != "0") {
        return Err(format!("gRPC status {status}: {}", header("grpc-message").unwrap_or_default()));
    }
    let whole = answer.bytes().await.map_err(|error| error.to_string())?;
    if whole.len() < 5 { Err("it answered nothing".to_owned()) } else { Ok(()) }
}

fn encode(message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, field) in message {
        match field {
            Field::Number(value) => {
                varint(&mut bytes, number << 3);
                varint(&mut bytes, value.cast_unsigned());
            }
            Field::Text(text) => bounded(&mut bytes, *number, text.as_bytes()),
            Field::Message(inner) => bounded(&mut bytes, *number, &encode(inner)),
        }
    }
    bytes
}

fn bounded(bytes: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(bytes, number << 3 | 2);
    varint(bytes, content.len() as u64);
    bytes.extend(content);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
