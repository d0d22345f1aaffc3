// Reads the elements of an HTML page piece by piece, in bounded memory on any input. Bun's HTMLRewriter keeps every open
// element: a page of 20 MB in which none is closed takes more than 1 GB.

/** The start of an element, with the attributes that were asked for. Names are in lower case. */
export interface Element {
  name: string;
  attributes: ReadonlyMap<string, string>;
}

/** A longer value is no address. It is read to its end and dropped, such as an image in a data: URL. */
const longestValue = 16_384;
/** A longer name is cut. */
const longestName = 256;
/** Elements whose content is text up to their end tag. */
const textElements = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);
/** Within drawings and formulas, these elements have content like any other. */
const foreign = new Set(["svg", "math"]);

/** A tag as nearly all are written. Any other is read step by step. Linear in the length of the tag. */
const plainTag = /(\/?)([a-z][^\s/>]*)(?:\s+[^\s"'>/=]+(?:=(?:"[^"]*"|'[^']*'|[^\s"'>=]+))?)*\s*(\/?)>/iy;
const plainAttribute = /([^\s"'>/=]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'>=]+)))?/g;
const hasId = /\sid[\s=/>]/i;
const letter = /[a-z]/i;
const blank = /[^\s/]/g;
const nameEnd = /[\s/>=]/g;
const tagNameEnd = /[\s/>]/g;
const valueEnd = /[\s>]/g;
const notSpace = /\S/g;

type State =
  | "text"
  | "comment"
  | "declaration"
  | "raw"
  | "tagName"
  | "attribute"
  | "attributeName"
  | "afterName"
  | "beforeValue"
  | "value";

export class Markup {
  readonly #elements: ReadonlySet<string>;
  readonly #wanted: ReadonlySet<string>;
  readonly #onElement: (element: Element) => void;
  #state: State = "text";
  /** What is not read yet. */
  #rest = "";
  /** The name of the open tag, and that of the element whose text is read. */
  #tag = "";
  #raw = "";
  #isEnd = false;
  #isEmpty = false;
  #foreign = "";
  #attributes = new Map<string, string>();
  #name = "";
  #value = "";
  /** The quote that ends the value, or "". */
  #quote = "";

  /**
   * `elements`: those whose attributes are `wanted`. Of any other element, only the id is certain to be reported. A value
   * that is too long is left out.
   */
  constructor(elements: ReadonlySet<string>, wanted: ReadonlySet<string>, onElement: (element: Element) => void) {
    this.#elements = elements;
    this.#wanted = wanted;
    this.#onElement = onElement;
  }

  /** Reads the next piece of the page. */
  write(piece: string): void {
    const text = this.#rest + piece;
    let at = 0;
    for (;;) {
      const next = this.#step(text, at);
      if (next < 0) {
        // What is left begins at the complement: the next piece decides what it is.
        this.#rest = text.slice(~next);
        return;
      }
      at = next;
    }
  }

  /** Reads one part of the text, and returns where the next one begins; the complement of that if more text is needed. */
  #step(text: string, at: number): number {
    switch (this.#state) {
      case "text":
        return this.#text(text, at);
      case "comment":
        return this.#skipTo(text, at, "-->");
      case "declaration":
        return this.#skipTo(text, at, ">");
      case "raw":
        return this.#endOfRaw(text, at);
      case "tagName":
        return this.#tagName(text, at);
      case "attribute":
        return this.#attribute(text, at);
      case "attributeName":
        return this.#attributeName(text, at);
      case "afterName":
        return this.#afterName(text, at);
      case "beforeValue":
        return this.#beforeValue(text, at);
      case "value":
        return this.#valueOf(text, at);
    }
  }

  #text(text: string, at: number): number {
    const open = text.indexOf("<", at);
    if (open < 0) return ~text.length;
    const first = text[open + 1];
    if (first === undefined) return ~open;
    plainTag.lastIndex = open + 1;
    const tag = plainTag.exec(text);
    if (tag !== null) {
      this.#plain(tag);
      return plainTag.lastIndex;
    }
    if (letter.test(first)) return this.#to("tagName", open + 1);
    if (first === "/") {
      const second = text[open + 2];
      if (second === undefined) return ~open;
      if (!letter.test(second)) return this.#to("declaration", open + 2);
      this.#isEnd = true;
      return this.#to("tagName", open + 2);
    }
    if (first === "!") {
      if (text.length < open + 4) return ~open;
      // A comment may end with the dashes that it begins with: <!-->.
      return text.startsWith("--", open + 2) ? this.#to("comment", open + 2) : this.#to("declaration", open + 2);
    }
    return first === "?" ? this.#to("declaration", open + 2) : open + 1;
  }

  #plain([all, slash = "", name = "", empty]: RegExpExecArray): void {
    this.#tag = name.toLowerCase();
    [this.#isEnd, this.#isEmpty] = [slash !== "", empty !== ""];
    if (!this.#isEnd && (this.#elements.has(this.#tag) || hasId.test(all))) {
      for (const [, key = "", double, single, bare] of all.slice(name.length).matchAll(plainAttribute)) {
        this.#name = key.toLowerCase();
        const value = double ?? single ?? bare ?? "";
        if (value.length <= longestValue) this.#add(value);
      }
    }
    this.#endTag();
  }

  #to(state: State, at: number): number {
    this.#state = state;
    return at;
  }

  #skipTo(text: string, at: number, end: string): number {
    const found = text.indexOf(end, at);
    return found < 0 ? ~Math.max(at, text.length - end.length + 1) : this.#to("text", found + end.length);
  }

  #endOfRaw(text: string, at: number): number {
    const end = `</${this.#raw}`;
    for (let from = at; ; from += 2) {
      from = text.indexOf("</", from);
      if (from < 0) return ~Math.max(at, text.length - 1);
      const after = text[from + end.length];
      if (after === undefined) return ~from;
      if (text.slice(from, from + end.length).toLowerCase() === end && /[\s/>]/.test(after)) {
        return this.#to("text", from);
      }
    }
  }

  #tagName(text: string, at: number): number {
    const end = this.#find(tagNameEnd, text, at);
    this.#tag = (this.#tag + text.slice(at, end < 0 ? undefined : end)).slice(0, longestName);
    if (end < 0) return ~text.length;
    this.#tag = this.#tag.toLowerCase();
    return this.#to("attribute", end);
  }

  #attribute(text: string, at: number): number {
    const from = this.#find(blank, text, at);
    const last = from < 0 ? text.length : from;
    if (last > at) this.#isEmpty = text[last - 1] === "/";
    if (from < 0) return ~text.length;
    if (text[from] === ">") {
      this.#endTag();
      return from + 1;
    }
    this.#isEmpty = false;
    // A name may begin with an equals sign.
    this.#name = text[from] ?? "";
    return this.#to("attributeName", from + 1);
  }

  #attributeName(text: string, at: number): number {
    const end = this.#find(nameEnd, text, at);
    this.#name = (this.#name + text.slice(at, end < 0 ? undefined : end)).slice(0, longestName);
    if (end < 0) return ~text.length;
    this.#name = this.#name.toLowerCase();
    return this.#to("afterName", end);
  }

  #afterName(text: string, at: number): number {
    const from = this.#find(notSpace, text, at);
    if (from < 0) return ~text.length;
    if (text[from] === "=") return this.#to("beforeValue", from + 1);
    this.#add("");
    return this.#to("attribute", from);
  }

  #beforeValue(text: string, at: number): number {
    const from = this.#find(notSpace, text, at);
    if (from < 0) return ~text.length;
    const first = text[from] ?? "";
    this.#value = "";
    this.#quote = first === '"' || first === "'" ? first : "";
    if (first === ">") {
      this.#add("");
      return this.#to("attribute", from);
    }
    return this.#to("value", this.#quote === "" ? from : from + 1);
  }

  #valueOf(text: string, at: number): number {
    const end = this.#quote === "" ? this.#find(valueEnd, text, at) : text.indexOf(this.#quote, at);
    if (this.#value.length <= longestValue && this.#wanted.has(this.#name)) {
      this.#value += text.slice(at, Math.min(end < 0 ? text.length : end, at + longestValue + 1));
    }
    if (end < 0) return ~text.length;
    if (this.#value.length <= longestValue) this.#add(this.#value);
    return this.#to("attribute", this.#quote === "" ? end : end + 1);
  }

  #add(value: string): void {
    if (this.#wanted.has(this.#name) && !this.#attributes.has(this.#name)) this.#attributes.set(this.#name, value);
  }

  #endTag(): void {
    const [name, isEnd, isEmpty] = [this.#tag, this.#isEnd, this.#isEmpty];
    const attributes = this.#attributes;
    [this.#tag, this.#isEnd, this.#isEmpty] = ["", false, false];
    if (attributes.size > 0) this.#attributes = new Map();
    this.#state = "text";
    if (isEnd) {
      if (name === this.#foreign) this.#foreign = "";
      return;
    }
    if (foreign.has(name) && !isEmpty) this.#foreign ||= name;
    if (textElements.has(name) && this.#foreign === "") {
      this.#raw = name;
      this.#state = "raw";
    }
    if (attributes.size > 0) this.#onElement({ name, attributes });
  }

  #find(expression: RegExp, text: string, at: number): number {
    expression.lastIndex = at;
    return expression.exec(text)?.index ?? -1;
  }
}
