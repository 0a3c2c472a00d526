/**
 * Sealing with AES-256-GCM. What is sealed is `12 bytes of nonce || ciphertext and tag`; the label is authenticated with it,
 * so nothing can be moved to another place. A key handle cannot be exported again: this page may use it, nobody can read it.
 */
const NONCE_BYTES = 12;

export type Bytes = Uint8Array<ArrayBuffer>;

export class Seal {
  constructor(readonly key: CryptoKey) {}

  /** From 32 bytes as base64url, as the server gives them. */
  static async from(text: string): Promise<Seal> {
    const usages: KeyUsage[] = ["encrypt", "decrypt"];
    return new Seal(await crypto.subtle.importKey("raw", fromBase64(text), "AES-GCM", false, usages));
  }

  async close(label: string, data: Bytes): Promise<Bytes> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(this.#parameters(nonce, label), this.key, data);
    return joinBytes([nonce, new Uint8Array(sealed)]);
  }

  /** Throws when it was sealed with another key, under another label, or was changed. */
  async open(label: string, sealed: Bytes): Promise<Bytes> {
    const nonce = sealed.slice(0, NONCE_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt(this.#parameters(nonce, label), this.key, sealed.slice(NONCE_BYTES)));
  }

  closeJson(label: string, value: unknown): Promise<Bytes> {
    return this.close(label, new TextEncoder().encode(JSON.stringify(value)));
  }

  async openJson<T>(label: string, sealed: Bytes): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.open(label, sealed))) as T;
  }

  #parameters(nonce: Bytes, label: string): AesGcmParams {
    return { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(label) };
  }
}

export function fromBase64(text: string): Bytes {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

export function joinBytes(pieces: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
