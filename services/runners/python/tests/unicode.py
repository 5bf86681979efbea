print("héllo wörld ☃ 🎉")
