"""Packs what was ordered."""
import time
from pathlib import Path

for file in sorted(Path("orders").glob("*.txt")):
    for number in file.read_text().split():
        print(f"order {number} \033[32mpacked\033[0m", flush=True)
print("waiting for orders", flush=True)
while True:
    time.sleep(60)
