/** One Socket.IO connection over a plain websocket: joins a room, counts what it is told, answers pings. */
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../frontend_templates/_client/package.json", import.meta.url));
const WebSocket = require("ws");

const ANSWERS_WITHIN_MS = 20_000;

export class Room {
  events = 0;
  joined_ms = null;
  trouble = null;

  constructor(browser, namespace, join, message) {
    const address = `${browser.url.origin.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
    this.socket = new WebSocket(address, { headers: { Cookie: browser.cookieHeader, Origin: browser.url.origin } });
    this.entered = new Promise((resolve) => {
      setTimeout(() => { if (this.joined_ms === null) this.trouble ??= "no answer"; resolve(); }, ANSWERS_WITHIN_MS);
      const began = performance.now();
      this.socket.on("message", (data) => {
        const text = data.toString();
        if (text.startsWith("0")) this.socket.send(`40${namespace},`);
        else if (text === "2") this.socket.send("3");
        else if (text.startsWith(`40${namespace}`)) this.socket.send(`42${namespace},0${JSON.stringify([join, message])}`);
        else if (text.startsWith(`43${namespace},0`)) {
          this.joined_ms = performance.now() - began;
          if (text.includes('"problem"')) this.trouble = text.slice(0, 200);
          resolve();
        } else if (text.startsWith(`42${namespace}`)) this.events += 1;
        else if (text.startsWith("44")) { this.trouble = text.slice(0, 200); resolve(); }
      });
      this.socket.on("error", (error) => { this.trouble = error.message; resolve(); });
      this.socket.on("close", () => { this.trouble ??= this.left ? null : "closed"; resolve(); });
    });
  }

  leave() {
    this.left = true;
    this.socket.close();
  }
}
