// Has a security key made or touched before a form goes out. What the key answers goes along in the form, nothing else.
(() => {
  "use strict";
  const bytes = (text) => {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, (one) => one.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const ask = async (address, fields) => {
    const answer = await fetch(address, {
      method: "POST", body: new URLSearchParams(fields), credentials: "same-origin", redirect: "error",
      headers: { accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail || "The console does not answer; try again.");
    return said;
  };
  const make = async (options) => {
    const made = await navigator.credentials.create({ publicKey: {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: ids(options.excludeCredentials),
    } });
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject),
    } };
  };
  const touch = async (options) => {
    const found = await navigator.credentials.get({ publicKey: {
      ...options, challenge: bytes(options.challenge), allowCredentials: ids(options.allowCredentials),
    } });
    return { id: found.id, rawId: text(found.rawId), type: found.type, response: {
      clientDataJSON: text(found.response.clientDataJSON), authenticatorData: text(found.response.authenticatorData),
      signature: text(found.response.signature),
    } };
  };
  const words = {
    NotAllowedError: "No key was touched in time, or you declined. Nothing was sent; press again.",
    InvalidStateError: "This key is registered already.",
    SecurityError: "Keys do not work at this address; open the console under its own name.",
  };
  const guard = (form, field, work) => {
    const said = form.querySelector("[data-said]");
    let busy = false;
    form.addEventListener("submit", async (event) => {
      const pressed = event.submitter;
      const wanted = work(pressed);
      if (!wanted) return;
      event.preventDefault();
      if (busy) return;
      busy = true;
      said.hidden = true;
      try {
        if (!window.PublicKeyCredential) throw new Error("This browser knows no security keys; use another one.");
        form.elements.namedItem(field).value = JSON.stringify(await wanted());
        if (pressed && pressed.name) {
          const option = document.createElement("input");
          option.type = "hidden";
          option.name = pressed.name;
          option.value = pressed.value;
          form.append(option);
        }
        form.submit();
      } catch (error) {
        const told = words[error.name] || error.message;
        said.textContent = told.charAt(0).toUpperCase() + told.slice(1);
        said.hidden = false;
      } finally {
        busy = false;
      }
    });
  };
  for (const form of document.querySelectorAll("form[data-register]")) {
    const csrf = form.elements.namedItem("csrf").value;
    guard(form, "credential", () => async () => make(await ask(form.dataset.register, { csrf })));
  }
  for (const form of document.querySelectorAll("form[data-touch]")) {
    const given = (name) => form.elements.namedItem(name).value;
    guard(form, "assertion", (pressed) => pressed && "keyed" in pressed.dataset && (async () => touch(
      await ask(form.dataset.touch, {
        csrf: given("csrf"), ask: given("ask"), option: pressed.value,
        workflow: form.dataset.workflow, path: form.dataset.path,
      }))));
  }
})();
