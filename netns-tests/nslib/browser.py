"""A headless Chromium, driven over the WebDriver protocol (W3C) with the standard library alone."""

import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--disable-dev-shm-usage")  # fmt: skip
# What WebDriver calls the keys without a letter.
KEYS = {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Home": "\ue011",
        "End": "\ue010", "PageUp": "\ue00e", "PageDown": "\ue00f", "Tab": "\ue004", "Escape": "\ue00c",
        "Enter": "\ue007", "Space": " "}  # fmt: skip


def missing():
    """What a browser test needs and this machine has not; "" when all is there."""
    return " and ".join(name for name in ("chromium", "chromedriver") if shutil.which(name) is None)


class Browser:
    """One window. A context manager: the programs end with it."""

    def __init__(self, timeout=60):
        self._timeout = timeout
        self._profile = tempfile.TemporaryDirectory(prefix="hookpoint-chromium-", ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        self._session = None
        try:
            self._port = self._read_port()
            options = {"args": [*FLAGS, f"--user-data-dir={self._profile.name}"]}
            capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}  # fmt: skip
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
            self._session = made["sessionId"]
            self._command("timeouts", {"script": timeout * 1000, "pageLoad": timeout * 1000})
        except BaseException:
            self.close()
            raise

    def _read_port(self):
        for line in self._driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
        raise RuntimeError("chromedriver did not start")

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})  # fmt: skip
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{path}: {value['error']}: {value['message']}")
        return value

    def _command(self, name, body=None, method="POST"):
        return self._ask(method, f"/session/{self._session}/{name}", body if body is not None or method == "GET" else {})

    def open(self, url):
        self._command("url", {"url": url})

    def run(self, script, *arguments):
        """What the script, a function's body, returns."""
        return self._command("execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys):
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._command("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector):
        found = self._command("element", {"using": "css selector", "value": selector})
        self._command(f"element/{next(iter(found.values()))}/click")

    def devtools(self, name, **parameters):
        return self._command("goog/cdp/execute", {"cmd": name, "params": parameters})

    def viewport(self, width, height, scale=1, mobile=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                      mobile=mobile)  # fmt: skip

    def prefer(self, scheme, motion="no-preference"):
        """What the system is set to: "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def console(self):
        """What the console got since it was last asked."""
        return [f"{e['level']}: {e['message']}" for e in self._command("se/log", {"type": "browser"})]

    def requests(self):
        """The addresses asked for since it was last asked."""
        out = []
        for entry in self._command("se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                out.append(message["params"]["request"]["url"])
        return out

    def screenshot(self):
        return base64.b64decode(self._command("screenshot", method="GET"))

    def close(self):
        if self._session is not None:
            try:
                self._ask("DELETE", f"/session/{self._session}")
            except (OSError, RuntimeError):
                pass  # the driver takes the browser with it
            self._session = None
        self._driver.terminate()
        try:
            self._driver.wait(10)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait()
        self._driver.stdout.close()
        self._profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
