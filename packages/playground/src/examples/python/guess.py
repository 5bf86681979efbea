# A game: type to it while it runs.
import random

secret = random.randint(1, 100)
print("I think of a number from 1 to 100.")
guess = None
while guess != secret:
    try:
        guess = int(input("Your guess? "))
    except ValueError:
        print("A whole number, please.")
        continue
    if guess != secret:
        print("Too small." if guess < secret else "Too large.")
print("That is it!")
