// The pages of SCIM. Without this script, everything except the copy buttons works.
"use strict";

// The Clipboard API is only available on https and on localhost.
async function copy(field) {
    field.select();
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(field.value);
    } else if (!document.execCommand("copy")) {
        throw new Error("The browser refused to copy.");
    }
}

for (const button of document.querySelectorAll("[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    const outcome = document.getElementById(button.dataset.outcome);
    button.hidden = false;
    button.addEventListener("click", async () => {
        outcome.textContent = "";
        try {
            await copy(field);
            outcome.textContent = outcome.dataset.copied;
        } catch {
            outcome.textContent = outcome.dataset.refused;
        }
    });
}

// A double click would send the form twice. The browser would only show the second response, but the
// token is in the first one.
for (const form of document.querySelectorAll(".tiled-scim form")) {
    form.addEventListener("submit", (event) => {
        if (form.dataset.sent) {
            event.preventDefault();
        }
        form.dataset.sent = "yes";
    });
}

window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll(".tiled-scim form")) {
        delete form.dataset.sent;
    }
});

// Browsers may cache the page for the Back button. It must not show a secret again.
window.addEventListener("pagehide", () => {
    for (const field of document.querySelectorAll("[data-secret]")) {
        field.value = "";
    }
});
